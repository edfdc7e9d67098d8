"""What previews say: build output, migrations, the platform's own decisions."""
