"""The project's GitHub Action and workflows, run and checked."""
