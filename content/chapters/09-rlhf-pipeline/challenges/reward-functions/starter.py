def answer_reward(response, answer):
    """1.0 if the last number of a response is the right one, else 0.0."""
    # Your code here.


def code_reward(program, cases):
    """The share of cases that the function `solve` of a program gets right."""
    # Your code here.


def combined_reward(scores, weights):
    """Standardise each source over the batch, then add up with weights."""
    # Your code here.
