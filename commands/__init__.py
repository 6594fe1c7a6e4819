"""The subcommands of the command line, a module each with add_arguments(parser) and run(arguments)."""

COMMANDS = {
    "swap": "Swap faces from source pictures onto target pictures, on this machine.",
    "batch": "Swap faces in many pictures and clips of folders, manifests, object storage; on many machines by Ray.",
    "restore": "Sharpen and repair the faces of pictures.",
    "detect": "Find faces and tell where they are and how they are numbered.",
    "faces": "Save people's faces under names, with their consent, to give them again: save, list, show, delete.",
    "mark": "Say what files say of how they were made, and make a certificate to sign results with.",
    "models": "List the models, fetch their files and check them.",
    "remote": "Swap faces at Segmind's hosted API; needs a key in SEGMIND_API_KEY.",
    "serve": "Answer the hosted API's calls on this machine, for programs that were written for it.",
    "doctor": "Say what is installed, what runs, what is missing and what to do about it; exit code 1 if something is.",
}
"""Module and what it does. A new command is a row here; its module is imported when it is used, and may be slow to."""
