# runs: 3
# metrics: training_accuracy_score
"""Trains one forest per seed in a pool of two processes."""

import multiprocessing as mp

from sklearn.datasets import load_iris
from sklearn.ensemble import ExtraTreesClassifier


def trained(seed):
    X, y = load_iris(return_X_y=True)
    model = ExtraTreesClassifier(8, max_depth=3, random_state=seed).fit(X, y)
    return seed, model.score(X, y), model.feature_importances_.round(12).tolist()


if __name__ == "__main__":
    with mp.get_context("fork").Pool(2) as pool:
        for seed, score, importances in pool.imap(trained, [5, 6, 7]):
            print(seed, score, importances)
        pool.close()
        pool.join()
    print("children left:", len(mp.active_children()))
