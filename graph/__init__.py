"""The state graph of a turn: its state, its shape in code, the review contract, and handling one turn."""
