"""matplotlib is an extra: imported where a figure is drawn, with an error that names the extra."""


def pyplot():
    """`matplotlib.pyplot`, drawing into files on machines without a screen."""
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError(
            "Figures need matplotlib: install it with `pip install 'keras-mtl[plots]'`."
        ) from error
    return matplotlib.pyplot
