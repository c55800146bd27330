"""`python -m keras_mtl.cli`, with the backend that Keras is set to."""

import sys

from keras_mtl.cli._main import main

if __name__ == "__main__":
    sys.exit(main())
