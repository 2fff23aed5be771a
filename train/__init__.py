"""A thin QLoRA trainer over TRL, PEFT and bitsandbytes."""
