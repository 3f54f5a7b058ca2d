// In place of the theme's file of this name: 1.5 MB of icons that a page may add. This site shows those in the
// theme's fonts, and no others.
