"""What a node measures of itself, in numbers that its host may see."""
