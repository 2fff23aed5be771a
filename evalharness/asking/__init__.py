"""Who is asked what: the arms, their prompts, the models and endpoints behind them, and the answers."""
