"""Reading, copying and naming the layers of Keras' graphs: for the other parts, not for users."""
