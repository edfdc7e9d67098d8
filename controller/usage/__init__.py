"""What previews use of CPU and memory: measured in rounds, added up by service, shown as metrics and by slug.

source ──▶ round ──▶ meter ──▶ metrics
                       └─────▶ GET /usage ──▶ the bridge ──▶ `previewcloud status`
"""
