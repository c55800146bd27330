"""What should two tasks share? Four answers on MobileNetV2, each trained for a step."""

import keras
import numpy as np

import keras_mtl

images = np.random.uniform(-1, 1, (8, 96, 96, 3)).astype("float32")  # your arrays go here
targets = {"age": np.random.uniform(0, 1, (8, 1)), "species": np.random.randint(0, 5, 8)}

net = keras.applications.MobileNetV2((96, 96, 3), include_top=False, weights=None, pooling="avg")
ends = ("_project_BN", "_add")  # what the layers are called that end a block
cuts = [layer for layer in keras_mtl.towers.possible_cuts(net) if layer.endswith(ends)]
tower = keras_mtl.towers.Tower(net, cuts)

sharings = {
    "stitched": keras_mtl.sharing.CrossStitched(after=["block_5_add", "block_12_add"]),
    "branched": keras_mtl.sharing.Branched.split(at="block_13_project_BN"),
    "skipping": keras_mtl.sharing.AdaShared(sparsity_weight=0.05, agreement_weight=0.05),
    "modulated": keras_mtl.sharing.Modulated(after=["block_5_add", "block_12_add"]),
}
loss = {"age": "mse", "species": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
for name, sharing in sharings.items():
    heads = {"age": keras.layers.Dense(1), "species": keras.layers.Dense(5)}
    model = keras_mtl.MultiTaskModel(tower, sharing, heads)
    model.compile(keras_mtl.optimizers.Adam(1e-3), loss=loss)
    history = model.fit(images, targets, verbose=0).history
    print(f"{name:9} {model.count_params():9,} parameters, loss {history['loss'][0]:.2f}")
