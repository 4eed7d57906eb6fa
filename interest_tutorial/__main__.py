"""`python -m interest_tutorial` is the command `interest-tutorial`."""
import sys
from interest_tutorial.cli import main

sys.exit(main())
