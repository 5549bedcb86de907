"""Quality control: is this microscope still right today? A daily test, its charts, and drift without a control."""
