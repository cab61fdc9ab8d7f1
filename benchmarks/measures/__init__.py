"""The measures. Each can run alone and returns samples: one for each window of each round."""
