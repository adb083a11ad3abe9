"""Language models and RLHF: SFT, reward models, PPO and its rivals, on models small and large."""
