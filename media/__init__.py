"""Files in and out: pictures and clips."""
