"""What pins the API of this project: its endpoints, its OpenAPI document, and what is generated from it.

A fork with endpoints of its own makes these expectations its own, or deletes the folder; every other test stays green.
"""
