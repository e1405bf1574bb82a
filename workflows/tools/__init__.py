"""Tools: choosing one for a question, asking a person where it changes something, and calling it."""
