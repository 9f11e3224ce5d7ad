"""The soak: the real service, ten kiosks and a NAS that fails at random, for as long as one likes.

`weather` says when the NAS fails and how, `house` holds the NAS and edits its albums, `kiosks` ask for photos, `gauges`
measure the process, `rules` judge, `picture` draws, `run` ties them together. Times are seconds since the start.
"""
