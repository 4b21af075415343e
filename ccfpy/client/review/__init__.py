"""A proposal looked over before members vote: what it asks for and what it would do."""
