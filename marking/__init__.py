"""What files say of how they were made: XMP, Content Credentials (C2PA) with a signature, a watermark.

`c2pa` and `cryptography` are the extra `marking`; they are imported where something is signed or looked at.
"""
