"""Any bytes into every parser of what strangers send.

targets.py                          each parser, and what has to hold whatever goes in
tests/unit/channels/test_parsers.py a few hundred changed samples each, the same ones every time (`make test`)
__main__.py                         as long as one likes, led by coverage (`make fuzz`; needs atheris)
"""
