"""What a user would do without hillfront, each a program of its own from a CSV to a table of gains.

None of them imports hillfront, whose start they would otherwise pay for.
"""
