"""What a fine-tune may have lost or learned beside its task: forgetting, red team, noise of the instrument."""
