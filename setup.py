"""Build script: every fact comes from settings.ini."""
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(delimiters=["="], interpolation=None)
config.read(here / "settings.ini", encoding="utf-8")
s = config["DEFAULT"]
extras = {k.removesuffix("_requirements"): v.split() for k, v in s.items() if k.endswith("_requirements")}

setup(
    name=s["lib_name"],
    version=s["version"],
    description=s["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=s["author"],
    url="https://github.com/{user}/{repo}".format(**s),
    keywords=s["keywords"].split(),
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">={min_python},<{max_python}".format(**s),
    packages=find_packages(include=[s["lib_path"], s["lib_path"] + ".*"]),
    install_requires=s["requirements"].split(),
    extras_require=extras,
    entry_points={
        "console_scripts": s["console_scripts"].split(),
        "nbdev": ["{lib_path}={lib_path}._modidx:d".format(**s)],
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Education",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    zip_safe=False,
)
