"""The company's intents: labelled examples, the classifier that is trained on them, and its file.

examples   a table text,label, read and checked
training   from examples to a classifier (scikit-learn), with a cross-validated report
file       a classifier as a file of plain arrays, checked when it is read
"""
