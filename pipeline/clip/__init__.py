"""What a clip needs beside its frames: who is who over time, what holds still, where scenes end."""
