"""What people who write apps in JavaScript use at their desk, never in a service."""
