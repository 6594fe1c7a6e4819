"""What files say of how they were made: XMP, Content Credentials (C2PA) with a signature, a watermark.

The extra `marking` brings what signs; it is imported where something is signed or looked at.
"""
