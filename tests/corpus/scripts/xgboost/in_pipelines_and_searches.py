# runs: 3
# metrics: best_cv_score
"""The wrappers among scikit-learn's own: in a pipeline, a search, a stack."""

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=42)
pipe = Pipeline([("scale", StandardScaler()), ("xgb", XGBClassifier(n_estimators=6, max_depth=2, n_jobs=1))])
pipe.fit(X_train, y_train)
print("pipeline", pipe.score(X_test, y_test))

grid = GridSearchCV(pipe, {"xgb__max_depth": [1, 2], "xgb__learning_rate": [0.1, 0.5]}, cv=3, scoring="roc_auc")
grid.fit(X_train, y_train)
print("search", grid.best_params_, grid.best_score_, grid.score(X_test, y_test))

stack = StackingClassifier(
    [("x", XGBClassifier(n_estimators=4, n_jobs=1)), ("l", LogisticRegression(max_iter=5000))], cv=2
)
print("stack", stack.fit(X_train, y_train).predict_proba(X_test)[:3].tolist())
