"""What things cost: declarations a second of each part, beside a textbook Faust agent that does the same, in one run.

Figures of a shared machine drift with what else runs on it, so every measure also gives the processor time that it took.
"""
