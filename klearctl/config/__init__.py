"""What a stage can be told: one frozen dataclass tree per stage, loaded, checked and explained."""
