"""Repair of mojibake: UTF-8 text that was read by a wrong code page and saved again.

How it works:

1. `passages` decides which parts of the text are damaged, and leaves all others alone.
2. `pages` leads the damaged parts back to bytes and to the lattice of texts that could have become them.
   Where the wrong page defines every byte there is one text. Where it does not, the undefined bytes were
   often dropped (0x81, 0x8D, 0x8F, 0x90, 0x9D; in Windows-1254 also 0x8E and 0x9E; and 0xAD, the soft
   hyphen, which editors drop), and a character has as many readings as there are bytes to put back.
   More than half of these have only one that is plausible in Japanese.
3. `likeliest` chooses among the rest with the words and connection costs of the Sudachi dictionary
   (`lexicon`), what notes usually say (`terms.txt`), and what the same file says where it is sure:
   the file is read once to learn its words, and once more with them.
4. `brackets` pairs brackets, about which words know nothing.

Lines are repaired one by one, so their number never changes.
"""

from ingest.mojibake.repairing import Repaired, repair

__all__ = ["Repaired", "repair"]
