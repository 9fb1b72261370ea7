"""The ground floor: records, errors, geography, configs, artefacts. Imports nothing above it."""
