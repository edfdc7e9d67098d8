"""What of the chart is made from elsewhere: its copy of the CRD, its values' schema and their table."""
