"""The screens, one file and one style sheet each. They show and ask; they compute nothing."""
