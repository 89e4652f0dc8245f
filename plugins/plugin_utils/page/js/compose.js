"use strict"; function compose() {}
