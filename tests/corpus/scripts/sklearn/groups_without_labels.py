# runs: 5
"""Clusters and projections: nothing to score against."""

import numpy as np
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

X, truth = make_blobs(90, centers=3, cluster_std=0.8, random_state=44)
for model in (
    KMeans(3, n_init=4, random_state=44),
    AgglomerativeClustering(3, linkage="average"),
    DBSCAN(eps=0.9),
    GaussianMixture(3, random_state=44),
):
    labels = model.fit_predict(X)
    print(type(model).__name__, np.bincount(labels + 1).tolist(), silhouette_score(X, labels))
flat = TSNE(2, perplexity=10, init="pca", random_state=44).fit_transform(np.c_[X, X**2])
print(flat.shape, flat.dtype, float(np.abs(flat).sum()) > 0)
