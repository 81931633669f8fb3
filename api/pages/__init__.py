"""The pages that people open in a browser: the customer's chat and the reviewer's desk.

Plain HTML, CSS and ES modules, served as they lie here. Nothing is built and nothing comes from another host.
"""
