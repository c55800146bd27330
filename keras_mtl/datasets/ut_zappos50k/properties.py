"""What is known of the shoes of UT-Zappos50K."""

COLUMNS = (
    *("Category", "SubCategory", "HeelHeight", "Insole", "Closure", "Gender", "Material"),
    "ToeStyle",
)
"""The columns of `meta-data.csv` after the first, CID."""

PROPERTIES = {
    "class": "Category",
    "closure": "Closure",
    "gender": "Gender",
    "heel": "HeelHeight",
}
"""The properties in which conditional similarity networks compare shoes, and their columns."""
