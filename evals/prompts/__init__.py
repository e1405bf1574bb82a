"""What a judge is asked, as files: the text, with `{variable}`."""
