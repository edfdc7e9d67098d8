"""The engine's part of the platform, made true by one idempotent command.

Networks, firewall, limits of build steps and Traefik: wishes and observation go in, a plan comes out and is
carried out.
"""
