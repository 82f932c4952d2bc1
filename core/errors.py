"""The one exception whose text is meant for the person in front of the screen."""


class UserError(Exception):
    """Something the user can mend. The message says what is wrong, with which file, and what to do.

    Pages show it as it is and the command line prints it without a traceback.
    """
