"""How results are told in words and tables: verdict sentences, the terminal summary, the files of a run."""
