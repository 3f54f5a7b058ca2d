"""What the notebooks ask of the reader: quizzes, and checks of the exercises."""
