"""Text as all parts see it: normalised, split into sentences, analysed into terms."""
