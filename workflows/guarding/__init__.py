"""Guarding: notes, web clips and tool results are data, whatever they say.

| module | what it gives | where it is called |
| --- | --- | --- |
| `question` | `guarded_input`: what is taken for a question | before the graph, first node |
| `suspicion` | `suspicions`: the parts of a text that read like orders to the assistant | by the modules below |
| `passages` | what of a passage may be quoted and believed, and the places that are shown to the user | answerers, verify |
| `delimiting` | passages and tool results as they stand in a prompt | whoever fills a prompt |
| `output` | `checked_output`: leaked instructions, images, links | on each text that a model wrote |
| `stream` | the same while the text is still coming | around `emit` |
"""
