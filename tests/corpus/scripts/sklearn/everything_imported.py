# runs: 4
# metrics: training_score
"""The style of a quick session: stars, one-letter names, everything at module level."""

from numpy import *
from sklearn.datasets import *
from sklearn.metrics import *
from sklearn.model_selection import train_test_split
from sklearn.svm import *

random.seed(2)
X, y = load_wine(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
a, b, c, d = train_test_split(X, y, random_state=2)
for m in [SVC(), NuSVC(nu=0.3), LinearSVC(random_state=2), SVC(kernel=lambda p, q: p @ q.T)]:
    m.fit(a, c)
    p = m.predict(b)
    print(m.__class__.__name__, accuracy_score(d, p), cohen_kappa_score(d, p), matthews_corrcoef(d, p))
print(confusion_matrix(d, p), random.rand())
