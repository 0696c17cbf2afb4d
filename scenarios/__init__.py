"""Library of scenarios, their templates and the JSON Schemas. Data only."""
