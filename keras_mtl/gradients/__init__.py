"""What every task wants of the shared weights, and whether the tasks agree."""

from keras_mtl.gradients.cosine_similarity import cosine_similarity
from keras_mtl.gradients.gradient_norms import gradient_norms
from keras_mtl.gradients.inner_products import inner_products
from keras_mtl.gradients.task_gradients import task_gradients
from keras_mtl.gradients.update_compliance import update_compliance

__all__ = [
    "cosine_similarity",
    "gradient_norms",
    "inner_products",
    "task_gradients",
    "update_compliance",
]
